-- Which phases are there?
select number, name
from phases
where $phase::integer is null or number = $phase
order by number;
