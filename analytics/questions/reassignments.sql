-- Which tasks changed hands, and why?
select reassignments.task, attempt, from_agent, to_agent, reassignments.reason, standings.state
from reassignments left join standings on standings.id = reassignments.task
where $phase::integer is null or standings.phase = $phase
order by reassignments.position;
