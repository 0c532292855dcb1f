-- The plan that was built last, as rows. An older plan that is run again counts as the newest.
create view newest_plan as
select
    id,
    data ->> '$.name' as name,
    data ->> '$.digest' as digest,
    data
from events
where kind = 'plan'
order by greatest(
    position,
    coalesce((
        select max(run.position) from events as run
        where run.kind = 'run_started' and 'plan/' || (run.data ->> '$.plan') = events.id
    ), 0)
) desc
limit 1;

create view phases as
select
    whole_at(phase, '$.number') as number,
    phase ->> '$.name' as name
from (select unnest(objects_at(data, '$.phases')) as phase from newest_plan);

create view components as
select
    whole_at(component, '$.number') as number,
    component ->> '$.name' as name,
    whole_at(component, '$.phase') as phase
from (select unnest(objects_at(data, '$.components')) as component from newest_plan);

create view tasks as
select
    task ->> '$.id' as id,
    place, -- in the plan's order, from 1
    whole_at(task, '$.phase') as phase,
    whole_at(task, '$.component') as component,
    task ->> '$.component_name' as component_name,
    task ->> '$.title' as title,
    task ->> '$.agent' as agent,
    task ->> '$.kind' as kind,
    whole_at(task, '$.effort') as effort,
    list_at(task, '$.deps') as deps,
    list_at(task, '$.reviewers') as reviewers
from (
    select
        unnest(objects_at(data, '$.tasks')) as task,
        generate_subscripts(objects_at(data, '$.tasks'), 1) as place
    from newest_plan
);

create view dependencies as
select id as task, unnest(deps) as dep from tasks;
