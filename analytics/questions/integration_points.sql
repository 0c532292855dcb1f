-- Which merged tasks brought several components together, and which ones?
select
    standings.id as task,
    tasks.title,
    standings.agent,
    standings.commit,
    list(distinct needed.component_name order by needed.component_name) as components
from standings
join tasks on tasks.id = standings.id
join dependencies on dependencies.task = standings.id
join tasks as needed on needed.id = dependencies.dep
where standings.state = 'merged' and ($phase::integer is null or tasks.phase = $phase)
group by all
having count(distinct needed.component) > 1
order by min(tasks.place);
