-- Which tasks ended under a veto or a block that still stands, by whom and why?
with last as (
    select task, max(position) as position from rulings group by task
)
select
    standings.id as task, tasks.title, rulings.decision, rulings.by_agents, rulings.reason, rulings.time as since
from last
join rulings on rulings.position = last.position
join standings on standings.id = rulings.task
join tasks on tasks.id = rulings.task
where rulings.decision in ('veto', 'block') and standings.state <> 'merged'
    and not exists (
        select 1 from waivers where waivers.task = rulings.task and waivers.position > rulings.position
    )
    and ($phase::integer is null or standings.phase = $phase)
order by standings.place;
