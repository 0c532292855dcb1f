-- Where does each task stand, after how many attempts and rounds, and when was it worked on?
with tried as (
    select
        task,
        max(attempt) as attempts,
        count(distinct (attempt, round)) as rounds,
        min(time) as began,
        list(case cause when 'start' then 'new attempt' else cause end order by position)
            filter (where attempt > 1 or cause <> 'start') as again
    from sessions where role = 'work' group by task
), last_tried as (
    select task, max(time) as began from attempts group by task
), ended as (
    select task, max(time) as ended, arg_max(seconds, position) as seconds from outcomes group by task
)
select
    standings.id as task,
    tasks.title,
    tasks.phase,
    tasks.component,
    tasks.component_name,
    tasks.kind,
    tasks.effort,
    standings.agent,
    tasks.deps,
    standings.state,
    standings.reason,
    coalesce(tried.attempts, 0) as attempts,
    coalesce(tried.rounds, 0) as rounds,
    coalesce(tried.again, []) as again, -- why it was worked on once more, each time
    tried.began, -- null: not begun
    last_tried.began as last_began,
    ended.ended, -- null: not ended
    ended.seconds,
    standings.commit
from standings
join tasks on tasks.id = standings.id
left join tried on tried.task = standings.id
left join last_tried on last_tried.task = standings.id
left join ended on ended.task = standings.id
where $phase::integer is null or standings.phase = $phase
order by standings.place;
