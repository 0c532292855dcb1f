-- The journal's events as they are, and how far it was read.
create table events (
    id varchar primary key,
    position bigint not null, -- the byte at which the event's line begins: the order in which things happened
    time timestamp,           -- UTC
    kind varchar,
    run varchar,
    task varchar,
    key varchar,
    agent varchar,
    data json
);

create table reading (
    bytes bigint not null, -- the journal was read up to here
    mark varchar not null  -- the checksum of the line that ends there: tells this journal from another one
);

create macro whole_at(object, path) as try_cast(object ->> path as bigint);
create macro number_at(object, path) as try_cast(object ->> path as double);
create macro list_at(object, path) as coalesce(try_cast(object -> path as varchar[]), []);
create macro objects_at(object, path) as coalesce(try_cast(object -> path as json[]), []);
