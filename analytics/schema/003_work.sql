-- Runs, and what the agents did in them.
create view runs as
select
    started.run as id,
    started.position,
    started.time as started,
    started.data ->> '$.command' as command,
    started.data ->> '$.model' as model,
    started.data ->> '$.sandbox' as sandbox,
    whole_at(started.data, '$.slots') as slots,
    len(list_at(started.data, '$.tasks')) as tasks,
    ended.data ->> '$.status' as status, -- null: no end is recorded
    ended.data ->> '$.reason' as reason,
    coalesce(number_at(ended.data, '$.seconds'), epoch(span.last - started.time)) as seconds
from events as started
left join events as ended on ended.kind = 'run_ended' and ended.run = started.run
left join (select run, max(time) as last from events group by run) as span on span.run = started.run
where started.kind = 'run_started';

create view checkouts as
select run, position, data ->> '$.result' as result from events where kind = 'checkout';

create view attempts as
select task, key, agent, run, position, time, whole_at(data, '$.attempt') as attempt
from events where kind = 'task_started';

create view turns as
select
    regexp_extract(id, '^(.*)/turn-[0-9]+$', 1) as session,
    task, key, agent, run, position, time,
    data ->> '$.role' as role,
    whole_at(data, '$.attempt') as attempt,
    whole_at(data, '$.round') as round,
    whole_at(data, '$.turn') as turn,
    data ->> '$.model' as model,
    coalesce(whole_at(data, '$.usage.input_tokens'), 0) as input_tokens,
    coalesce(whole_at(data, '$.usage.output_tokens'), 0) as output_tokens,
    coalesce(whole_at(data, '$.usage.cache_read_tokens'), 0) as cache_read_tokens,
    coalesce(whole_at(data, '$.usage.cache_write_tokens'), 0) as cache_write_tokens,
    case data ->> '$.model' -- null: the price is unknown
        when 'playbook' then 0.0
        else number_at(data, '$.usage.dollars')
    end as dollars,
    number_at(data, '$.seconds') as seconds,
    list_at(data, '$.tools') as tools
from events where kind = 'turn';

create view sessions as
select
    regexp_replace(started.id, '/started$', '') as id,
    started.task, started.key, started.agent, started.run, started.position, started.time,
    started.data ->> '$.session' as name,
    started.data ->> '$.role' as role,
    whole_at(started.data, '$.attempt') as attempt,
    whole_at(started.data, '$.round') as round,
    started.data ->> '$.cause' as cause,
    ended.data ->> '$.ended_by' as ended_by, -- null: no end is recorded
    coalesce(whole_at(ended.data, '$.turns'), sum.turns, 0) as turns,
    coalesce(number_at(ended.data, '$.seconds'), sum.seconds, 0) as seconds
from events as started
left join events as ended on ended.id = regexp_replace(started.id, '/started$', '/ended')
left join (
    select session, count(*) as turns, sum(seconds) as seconds from turns group by session
) as sum on sum.session = regexp_replace(started.id, '/started$', '')
where started.kind = 'session_started';

create view answers as
select
    task, key, agent, run, position, time,
    whole_at(data, '$.session.attempt') as attempt,
    whole_at(data, '$.session.round') as round,
    data ->> '$.ended_by' as ended_by,
    data ->> '$.commit' as commit,
    data ->> '$.summary' as summary,
    whole_at(data, '$.lines_added') as lines_added,
    whole_at(data, '$.lines_removed') as lines_removed
from events where kind = 'answer';

create view reassignments as
select
    task, key, run, position, time,
    whole_at(data, '$.attempt') as attempt,
    data ->> '$.from' as from_agent,
    data ->> '$.to' as to_agent,
    data ->> '$.reason' as reason
from events where kind = 'reassigned';
