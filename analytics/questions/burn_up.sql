-- When was each merged task merged?
select standings.id as task, min(merges.time) as merged
from standings join merges on merges.task = standings.id and merges.commit = standings.commit
where $phase::integer is null or standings.phase = $phase
group by standings.id
order by merged, min(standings.place);
