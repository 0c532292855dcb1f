-- Which runs were there, with which model and sandbox, and how did each end?
select
    runs.id,
    runs.started,
    runs.command,
    runs.model,
    runs.sandbox,
    runs.slots,
    runs.tasks,
    coalesce(runs.status, 'no end') as status,
    runs.seconds,
    runs.reason,
    checkout.result as checkout
from runs
left join (
    select run, arg_max(result, position) as result from checkouts group by run
) as checkout on checkout.run = runs.id
order by runs.position;
