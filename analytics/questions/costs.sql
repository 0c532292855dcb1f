-- How many tokens and dollars did each agent spend on each model?
select
    turns.agent,
    coalesce(turns.model, 'unknown') as model,
    count(*) as turns,
    sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(cache_read_tokens)::bigint as cache_read_tokens,
    sum(cache_write_tokens)::bigint as cache_write_tokens,
    count(*) filter (where dollars is null) as unpriced_turns,
    coalesce(sum(dollars), 0) as known_dollars
from turns left join tasks on tasks.id = turns.task
where $phase::integer is null or tasks.phase = $phase
group by all
order by model, agent;
