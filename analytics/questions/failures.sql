-- What failed or was blocked without another task's fault, why, and which tasks does it hold up?
with recursive stopped as (
    select id, state from standings where state in ('failed', 'blocked')
), roots as (
    select id from stopped
    where state = 'failed' or not exists (
        select 1 from dependencies join stopped as other on other.id = dependencies.dep
        where dependencies.task = stopped.id
    )
), downstream(root, task) as (
    select roots.id, dependencies.task from roots join dependencies on dependencies.dep = roots.id
    union
    select downstream.root, dependencies.task
    from downstream join dependencies on dependencies.dep = downstream.task
)
select
    standings.id as task,
    tasks.title,
    standings.agent,
    standings.state,
    standings.reason,
    failed.failure, -- its class; null: not told
    list(held.id order by held.place) filter (where held.id is not null and held.state <> 'merged') as holds_up
from roots
join standings on standings.id = roots.id
join tasks on tasks.id = roots.id
left join (
    select outcomes.task, arg_max(failure, outcomes.position) as failure
    from outcomes join outcome_failures using (position) group by outcomes.task
) as failed on failed.task = roots.id
left join downstream on downstream.root = roots.id
left join standings as held on held.id = downstream.task
where $phase::integer is null or standings.phase = $phase
group by all
order by min(standings.place);
