-- Which vetoes and blocks were there, by whom and why?
select verdicts.task, reviewer, decision, attempt, round, summary
from verdicts left join tasks on tasks.id = verdicts.task
where decision in ('veto', 'block') and ($phase::integer is null or tasks.phase = $phase)
order by verdicts.position;
