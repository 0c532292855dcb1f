-- Whose approval was asked for, and what did they say?
select
    requests.task, requests.attempt, requests.round,
    requests.by_agent as asked, -- 'user': a person
    requests.commit,
    requests.time as since,
    given.by_agent,
    given.decision, -- null: awaited
    given.reason,
    standings.state
from approval_requests as requests
left join approvals as given on given.position = (
    select min(position) from approvals as later
    where later.key is not distinct from requests.key and later.task = requests.task
        and later.attempt is not distinct from requests.attempt and later.round is not distinct from requests.round
)
left join standings on standings.id = requests.task
where $phase::integer is null or standings.phase = $phase
order by requests.position;
