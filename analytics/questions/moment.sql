-- When does the journal begin, and when does it end?
select min(time) as began, max(time) as until from events;
