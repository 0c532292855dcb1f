-- A hold of a component follows from the verdict that puts it, and its end from the verdict or waiver that lifts it.
drop view lifted_holds;

create view component_verdicts as
select
    id, run, position, time,
    try_cast(regexp_extract(task, '^component-(\d+)$', 1) as bigint) as component,
    agent as by_agent,
    whole_at(data, '$.session.round') as round,
    data ->> '$.decision' as decision,
    trim(regexp_replace(data ->> '$.summary', '\s+', ' ', 'g')) as reason
from events where kind = 'verdict' and task like 'component-%';

create or replace view holds as
select
    id, run, position, time, component, by_agent,
    decision as power,
    reason,
    'a later review in which ' || by_agent || ' approves, or by `mbo waive --component ' || component
    || ' --reason …`' as lifts
from component_verdicts where decision in ('veto', 'block');

create or replace view waivers as
select
    task, key, run, position, time,
    data ->> '$.by' as by_agent,
    data ->> '$.reason' as reason,
    data ->> '$.scope' as scope,
    whole_at(data, '$.component') as component,
    data ->> '$.power' as power,
    data ->> '$.of' as waived -- what it is about: of a component, the id of the hold
from events where kind = 'waiver';
