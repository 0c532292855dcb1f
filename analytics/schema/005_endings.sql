-- How tasks ended, and how each one stands.
create view conflicts as
select
    task, key, agent, run, position, time,
    whole_at(data, '$.attempt') as attempt,
    whole_at(data, '$.round') as round,
    list_at(data, '$.files') as files,
    list_at(data, '$.tasks') as tasks,
    data ->> '$.onto' as onto
from events where kind = 'conflict';

create view merges as
select
    task, key, agent, run, position, time,
    data ->> '$.commit' as commit,
    data ->> '$.tree' as tree,
    case json_type(data -> '$.files')
        when 'ARRAY' then len(list_at(data, '$.files'))
        else coalesce(whole_at(data, '$.files'), 0)
    end as files,
    coalesce(whole_at(data, '$.lines_added'), 0) as lines_added,
    coalesce(whole_at(data, '$.lines_removed'), 0) as lines_removed
from events where kind = 'merged';

create view outcomes as
select
    task, key, run, position, time,
    coalesce(data ->> '$.agent', agent) as agent,
    data ->> '$.status' as status,
    data ->> '$.reason' as reason,
    data ->> '$.commit' as commit,
    whole_at(data, '$.attempts') as attempts,
    whole_at(data, '$.rounds') as rounds,
    number_at(data, '$.seconds') as seconds
from events where kind = 'outcome';

-- One row for each task of the newest plan. What happened last decides, and a merge under the newest key stays a merge.
create view standings as
with last as (
    select
        task,
        max(position) filter (where kind = 'outcome') as ended,
        max(position) filter (where kind in (
            'task_started', 'session_started', 'turn', 'session_ended', 'answer',
            'check', 'verdict', 'ruling', 'conflict', 'reassigned', 'merged'
        )) as worked,
        arg_max(key, position) filter (where key is not null and kind in (
            'task_started', 'session_started', 'turn', 'answer', 'merged', 'outcome'
        )) as key
    from events
    where task is not null
    group by task
)
select
    tasks.id,
    tasks.place,
    tasks.phase,
    case
        when merge.position is not null then 'merged'
        when last.worked is null and last.ended is null then 'waiting'
        when coalesce(last.worked, 0) > coalesce(last.ended, 0) then 'in work'
        else outcome.status
    end as state,
    case when merge.position is null then outcome.reason end as reason,
    coalesce(merge.agent, outcome.agent, tasks.agent) as agent,
    merge.commit
from tasks
left join last on last.task = tasks.id
left join merges as merge on merge.task = tasks.id and merge.key is not distinct from last.key
left join outcomes as outcome on outcome.position = last.ended;
