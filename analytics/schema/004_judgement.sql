-- What was checked, judged and decided, and what was said.
create view checks as
select
    task, key, agent, run, position, time,
    data ->> '$.name' as name,
    data ->> '$.stage' as stage,
    whole_at(data, '$.attempt') as attempt,
    whole_at(data, '$.round') as round,
    data ->> '$.tree' as tree,
    whole_at(data, '$.exit_code') as exit_code,
    number_at(data, '$.seconds') as seconds,
    coalesce(whole_at(data, '$.tests_expected'), 0) as tests_expected,
    coalesce(whole_at(data, '$.tests_ran'), 0) as tests_ran,
    coalesce(whole_at(data, '$.tests_passed'), 0) as tests_passed,
    data ->> '$.problem' as problem, -- null: the check is green
    data ->> '$.problem' is null as passed
from events where kind = 'check';

create view verdicts as
select
    task, key, agent as reviewer, run, position, time,
    whole_at(data, '$.session.attempt') as attempt,
    whole_at(data, '$.session.round') as round,
    data ->> '$.decision' as decision,
    data ->> '$.summary' as summary,
    len(objects_at(data, '$.findings')) as findings
from events where kind = 'verdict';

create view rulings as
select
    task, key, agent, run, position, time,
    whole_at(data, '$.attempt') as attempt,
    whole_at(data, '$.round') as round,
    data ->> '$.decision' as decision,
    data ->> '$.rule' as rule,
    list_at(data, '$.by') as by_agents,
    data ->> '$.reason' as reason
from events where kind = 'ruling';

create view decisions as
select
    id, run, position, time,
    coalesce(data ->> '$.task_id', task) as task,
    coalesce(data ->> '$.agent', agent) as agent,
    data ->> '$.subject' as subject,
    data ->> '$.decision' as decision,
    data ->> '$.reason' as reason,
    data ->> '$.authority' as authority
from events where kind = 'decision';

create view messages as
select
    id, run, position, time,
    coalesce(data ->> '$.task_id', task) as task,
    data ->> '$.from_agent' as from_agent,
    data ->> '$.to_agent' as to_agent,
    data ->> '$.message_type' as message_type,
    data ->> '$.priority' as priority,
    data -> '$.content' as content
from events where kind = 'message';

create view knowledge as
select
    id, run, position, time,
    coalesce(data ->> '$.task_id', task) as task,
    coalesce(data ->> '$.agent', agent) as agent,
    data ->> '$.type' as type,
    data ->> '$.title' as title,
    data ->> '$.text' as text
from events where kind = 'knowledge';
