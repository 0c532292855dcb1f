-- How far is each phase?
select
    phases.number,
    phases.name,
    count(standings.id) as tasks,
    count(*) filter (where state = 'merged') as merged,
    count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'blocked') as blocked,
    count(*) filter (where state = 'skipped') as skipped,
    count(*) filter (where state = 'in work') as in_work,
    count(*) filter (where state = 'waiting') as waiting
from phases
left join standings on standings.phase = phases.number
where $phase::integer is null or phases.number = $phase
group by all
order by phases.number;
