-- Which plan was built last, and how many tasks does it have?
select
    plan.name,
    plan.digest,
    (select count(*) from tasks) as tasks,
    (select count(*) from phases) as phases
from newest_plan as plan;
