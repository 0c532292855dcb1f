-- Which components were held back from release, by whom, and what lifted or lifts it?
select
    holds.component, components.name, holds.by_agent, holds.power, holds.reason, holds.lifts, holds.time as since,
    lift.reason as lifted_by,
    lift.time as lifted -- null: it stands
from holds
left join components on components.number = holds.component
left join lateral (
    select arg_min(reason, position) as reason, min(time) as time from (
        select position, time, reason from lifted_holds
        where lifted_holds.component = holds.component and lifted_holds.position > holds.position
            and (lifted_holds.by_agent = holds.by_agent or lifted_holds.by_agent = 'user')
        union all
        select position, time, 'waived: ' || reason from waivers
        where waivers.component = holds.component and waivers.position > holds.position
            and (waivers.power is null or waivers.power = holds.power)
    )
) as lift on true
where $phase::integer is null or components.phase = $phase
order by holds.position;
