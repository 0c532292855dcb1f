-- Which tasks may start now, and how many tasks wait for each of them?
with recursive downstream(root, task) as (
    select id, id from standings where state = 'waiting'
    union
    select downstream.root, dependencies.task
    from downstream join dependencies on dependencies.dep = downstream.task
)
select
    standings.id as task, tasks.title, standings.agent, tasks.effort,
    (select count(*) - 1 from downstream where downstream.root = standings.id) as sets_free
from standings join tasks on tasks.id = standings.id
where standings.state = 'waiting'
    and not exists (
        select 1 from dependencies left join standings as needed on needed.id = dependencies.dep
        where dependencies.task = standings.id and needed.state is distinct from 'merged'
    )
    and ($phase::integer is null or standings.phase = $phase)
order by sets_free desc, standings.place;
