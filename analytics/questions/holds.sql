-- Which components were held back from release, by whom, and what lifted or lifts it?
select
    holds.component, components.name, holds.by_agent, holds.power, holds.reason, holds.lifts, holds.time as since,
    lift.reason as lifted_by,
    lift.time as lifted -- null: it stands
from holds
left join components on components.number = holds.component
left join lateral (
    select arg_min(reason, position) as reason, min(time) as time from (
        select
            position, time,
            case decision when 'approve' then by_agent || ' approves in review ' || round
                else 'said anew in a later review' end as reason
        from component_verdicts as later
        where later.component = holds.component and later.by_agent = holds.by_agent
            and later.position > holds.position and later.decision in ('approve', 'veto', 'block')
        union all
        select position, time, 'waived: ' || reason from waivers
        where waivers.waived = holds.id
    )
) as lift on true
where $phase::integer is null or components.phase = $phase
order by holds.position;
