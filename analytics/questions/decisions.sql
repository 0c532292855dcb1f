-- Which decisions were taken, by whom and why?
select decisions.task, tasks.title, decisions.agent, subject, decision, reason, authority
from decisions left join tasks on tasks.id = decisions.task
where $phase::integer is null or tasks.phase = $phase
order by decisions.position;
