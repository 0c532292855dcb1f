-- Which decisions or interfaces contradicted each other, and which one stands?
select
    about, subject,
    list_transform(sides, lambda side: {
        id: side ->> '$.id', agent: side ->> '$.agent', task: side ->> '$.task', text: side ->> '$.text'
    }) as sides,
    state, kept, by_agent, reason, time as since
from contradictions
where not exists ( -- what was said last of the same two sides counts
        select 1 from contradictions as later
        where later.position > contradictions.position and later.about is not distinct from contradictions.about
            and list_transform(later.sides, lambda side: side ->> '$.id')
                = list_transform(contradictions.sides, lambda side: side ->> '$.id')
    )
    and ($phase::integer is null or exists (
        select 1 from tasks
        where tasks.phase = $phase and list_contains(list_transform(sides, lambda side: side ->> '$.task'), tasks.id)
    ))
order by contradictions.position;
