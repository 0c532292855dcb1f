-- How many lines did each component gain and lose?
with written as (
    select
        tasks.component,
        count(*) as merges,
        sum(merges.files) as files,
        sum(merges.lines_added) as added,
        sum(merges.lines_removed) as removed
    from merges left join tasks on tasks.id = merges.task
    where $phase::integer is null or tasks.phase = $phase
    group by tasks.component
), planned as (
    select
        tasks.component,
        count(*) as tasks,
        count(*) filter (where standings.state = 'merged') as merged
    from tasks join standings on standings.id = tasks.id
    where $phase::integer is null or tasks.phase = $phase
    group by tasks.component
)
select
    component as number, -- null: tasks that the newest plan does not hold
    components.name,
    coalesce(planned.tasks, 0) as tasks,
    coalesce(planned.merged, 0) as merged,
    coalesce(written.files, 0)::bigint as files,
    coalesce(written.added, 0)::bigint as added,
    coalesce(written.removed, 0)::bigint as removed,
    (coalesce(written.added, 0) - coalesce(written.removed, 0))::bigint as net
from planned
full join written using (component)
left join components on components.number = component
order by component nulls last;
