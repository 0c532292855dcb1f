-- How many rounds of review did each task take, and how did they end?
with judged as (
    select
        task,
        count(distinct (attempt, round)) as rounds,
        count(*) filter (where decision = 'approve') as approvals,
        count(*) filter (where decision = 'request_changes') as requested_changes,
        count(*) filter (where decision = 'veto') as vetoes,
        count(*) filter (where decision = 'block') as blocks
    from verdicts group by task
), ruled as (
    select task, arg_max(decision, position) as ruling, arg_max(rule, position) as rule
    from rulings group by task
)
select judged.*, ruled.ruling, ruled.rule -- null: no ruling yet
from judged
left join ruled using (task)
left join tasks on tasks.id = judged.task
where $phase::integer is null or tasks.phase = $phase
order by tasks.place nulls last, judged.task;
