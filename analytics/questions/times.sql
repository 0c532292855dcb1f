-- How long did agents work on, reviewers read and checks run for each task?
with spent as (
    select
        task,
        sum(seconds) filter (where role = 'work') as working,
        sum(seconds) filter (where role = 'review') as reviewing
    from sessions group by task
), checked as (
    select task, sum(seconds) as checking from checks group by task
), whole as (
    select task, sum(seconds) as whole from outcomes group by task
)
select
    task,
    coalesce(working, 0) as working,
    coalesce(reviewing, 0) as reviewing,
    coalesce(checking, 0) as checking,
    whole -- from start to end, waits included; null: not ended yet
from spent
full join checked using (task)
full join whole using (task)
left join tasks on tasks.id = task
where $phase::integer is null or tasks.phase = $phase
order by tasks.place nulls last, task;
