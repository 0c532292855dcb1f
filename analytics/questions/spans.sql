-- Who did what from when to when: work, review, gate and integration?
with moments as ( -- a session that went on in another run is a span in each of them
    select regexp_replace(id, '/started$', '') as session, run, time as began, time as ended
    from events where kind = 'session_started'
    union all
    select session, run, time - to_milliseconds((coalesce(seconds, 0) * 1000)::bigint), time from turns
    union all
    select regexp_replace(id, '/ended$', ''), run, time, time from events where kind = 'session_ended'
), sat as (
    select sessions.role as kind, sessions.agent, sessions.task, sessions.attempt, sessions.round,
        min(moments.began) as began, max(moments.ended) as ended, null as met, null as detail
    from sessions join moments on moments.session = sessions.id
    group by all
), gated as (
    select 'gate' as kind, agent, task, attempt, round,
        min(time - to_milliseconds((coalesce(seconds, 0) * 1000)::bigint)) as began, max(time) as ended,
        case when bool_or(not passed) then 'red' end as met,
        arg_min(problem, position) filter (where not passed) as detail
    from checks where stage = 'answer'
    group by key, run, agent, task, attempt, round
), landed as (
    select rulings.position, rulings.agent, rulings.task, rulings.attempt, rulings.round, rulings.time as began,
        min(later.position) as end_position
    from rulings
    join events as later on later.key = rulings.key and later.run = rulings.run
        and later.position > rulings.position and later.kind in ('merged', 'conflict', 'rejected')
    where rulings.decision = 'approve'
    group by all
), integrated as (
    select 'integrate' as kind, landed.agent, landed.task, landed.attempt, landed.round, landed.began,
        last.time as ended,
        case last.kind when 'conflict' then 'conflict' when 'rejected' then 'red' end as met,
        case last.kind when 'conflict' then array_to_string(list_at(last.data, '$.files'), ', ') end as detail
    from landed join events as last on last.position = landed.end_position
)
select spans.kind, spans.agent, spans.task, spans.attempt, spans.round, began, ended, met, detail
from (
    select * from sat union all select * from gated union all select * from integrated
) as spans
left join tasks on tasks.id = spans.task
where $phase::integer is null or tasks.phase = $phase
order by began, spans.agent, spans.task, spans.kind, spans.attempt, spans.round;
