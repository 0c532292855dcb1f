-- Whose word was asked for and given, what is held up by it, and which of two sides stands.
create view approval_requests as
select
    task, key, run, position, time,
    whole_at(data, '$.attempt') as attempt,
    whole_at(data, '$.round') as round,
    data ->> '$.by' as by_agent, -- 'user': a person
    data ->> '$.commit' as commit
from events where kind = 'approval_requested';

create view approvals as
select
    task, key, run, position, time,
    whole_at(data, '$.attempt') as attempt,
    whole_at(data, '$.round') as round,
    data ->> '$.by' as by_agent,
    data ->> '$.decision' as decision,
    data ->> '$.reason' as reason
from events where kind = 'approval';

create view waivers as
select
    task, key, run, position, time,
    data ->> '$.by' as by_agent,
    data ->> '$.reason' as reason,
    data ->> '$.scope' as scope,
    whole_at(data, '$.component') as component,
    data ->> '$.power' as power
from events where kind = 'waiver';

create view deadlocks as
select
    id, task, run, position, time,
    data ->> '$.cause' as cause,
    case when list_at(data, '$.tasks') = [] and task is not null then [task] else list_at(data, '$.tasks') end as tasks,
    list_at(data, '$.agents') as agents,
    data ->> '$.reason' as reason
from events where kind = 'deadlock';

create view resolutions as
select
    id, task, run, position, time,
    data ->> '$.cause' as cause,
    data ->> '$.decision' as decision,
    coalesce(data ->> '$.by', agent) as by_agent,
    data ->> '$.reason' as reason
from events where kind = 'resolution';

create view breakers as
select
    run, position, time,
    data ->> '$.failure' as failure,
    list_at(data, '$.tasks') as tasks,
    data ->> '$.reason' as reason
from events where kind = 'breaker';

create view component_reviews as
select
    run, position, time,
    whole_at(data, '$.component') as component,
    whole_at(data, '$.round') as round,
    data ->> '$.decision' as decision,
    data ->> '$.tree' as tree,
    data -> '$.evidence' as evidence
from events where kind = 'component_review';

create view holds as
select
    id, run, position, time,
    whole_at(data, '$.component') as component,
    coalesce(data ->> '$.by', agent) as by_agent,
    data ->> '$.power' as power,
    data ->> '$.reason' as reason,
    data ->> '$.lifts' as lifts
from events where kind = 'hold';

create view lifted_holds as
select
    position, time,
    whole_at(data, '$.component') as component,
    coalesce(data ->> '$.by', agent) as by_agent,
    data ->> '$.power' as power,
    data ->> '$.reason' as reason
from events where kind = 'hold_lifted';

create view contradictions as
select
    id, task, run, position, time,
    data ->> '$.about' as about,
    data ->> '$.subject' as subject,
    objects_at(data, '$.sides') as sides,
    data ->> '$.state' as state,
    data ->> '$.kept' as kept, -- null: open
    data ->> '$.by' as by_agent,
    data ->> '$.reason' as reason
from events where kind = 'contradiction';

create view outcome_failures as -- the class of failure: transient, gate, stuck, agent, review, conflict or environment
select position, data ->> '$.failure' as failure
from events where kind = 'outcome';
