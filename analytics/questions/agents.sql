-- Which tasks did each agent have, how did they end, and how much of its work was done again?
with planned as (
    select agent, count(*) as planned from tasks
    where $phase::integer is null or phase = $phase
    group by agent
), ended as (
    select
        agent,
        count(*) filter (where state = 'merged') as merged,
        count(*) filter (where state = 'failed') as failed,
        count(*) filter (where state = 'blocked') as blocked,
        count(*) filter (where state = 'in work') as in_work
    from standings
    where $phase::integer is null or phase = $phase
    group by agent
), sat as (
    select
        sessions.agent,
        count(*) filter (where role = 'work') as rounds,
        count(*) filter (where role = 'work' and (sessions.round > 1 or sessions.attempt > 1)) as reworked,
        sum(sessions.seconds) as seconds
    from sessions left join tasks on tasks.id = sessions.task
    where $phase::integer is null or tasks.phase = $phase
    group by sessions.agent
), reviewed as (
    select verdicts.reviewer as agent, count(*) as reviews
    from verdicts left join tasks on tasks.id = verdicts.task
    where $phase::integer is null or tasks.phase = $phase
    group by verdicts.reviewer
)
select
    agent,
    coalesce(planned, 0) as planned,
    coalesce(merged, 0) as merged,
    coalesce(failed, 0) as failed,
    coalesce(blocked, 0) as blocked,
    coalesce(in_work, 0) as in_work,
    coalesce(reviews, 0) as reviews,
    coalesce(rounds, 0) as rounds,
    coalesce(reworked, 0) as reworked,
    coalesce(seconds, 0) as seconds -- in its sessions, of work and of review
from planned full join ended using (agent) full join reviewed using (agent) full join sat using (agent)
order by agent;
