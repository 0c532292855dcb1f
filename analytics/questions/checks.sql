-- Which checks ran, on answers and on merged trees, and how many were green?
select
    checks.stage,
    checks.name,
    count(*) as ran,
    count(*) filter (where passed) as passed,
    count(*) filter (where not passed) as red,
    sum(tests_ran)::bigint as tests_ran,
    sum(tests_passed)::bigint as tests_passed,
    sum(seconds) as seconds
from checks left join tasks on tasks.id = checks.task
where $phase::integer is null or tasks.phase = $phase
group by checks.stage, checks.name
order by checks.stage, checks.name;
