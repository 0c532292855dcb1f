-- Which decisions or interfaces contradicted each other, and which one stands?
select
    about, subject,
    list_transform(sides, lambda side: {
        id: side ->> '$.id', agent: side ->> '$.agent', task: side ->> '$.task', text: side ->> '$.text'
    }) as sides,
    state, kept, by_agent, reason, time as since
from contradictions
where not exists ( -- what was said last counts
        select 1 from contradictions as later
        where later.position > contradictions.position and later.about_id = contradictions.about_id
    )
    and ($phase::integer is null or exists (
        select 1 from tasks
        where tasks.phase = $phase and list_contains(list_transform(sides, lambda side: side ->> '$.task'), tasks.id)
    ))
order by contradictions.position;
