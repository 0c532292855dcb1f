-- Which vetoes, blocks and holds did the user set aside, and why?
select
    waivers.task, waivers.component, waivers.scope, waivers.power,
    coalesce(waivers.by_agent, 'user') as by_agent, waivers.reason, waivers.time
from waivers
left join tasks on tasks.id = waivers.task
left join components on components.number = waivers.component
where $phase::integer is null or coalesce(tasks.phase, components.phase) = $phase
order by waivers.position;
