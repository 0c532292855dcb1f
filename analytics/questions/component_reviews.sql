-- How was each component reviewed as a whole, and on which evidence?
select
    reviews.component, components.name, reviews.round, reviews.decision, reviews.tree, reviews.evidence, reviews.time
from component_reviews as reviews left join components on components.number = reviews.component
where $phase::integer is null or components.phase = $phase
order by reviews.position;
