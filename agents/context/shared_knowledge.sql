create table knowledge (
    number integer primary key,
    id text not null unique,
    type text not null,
    record text not null,
    superseded_by text
);
create table same (
    id text primary key,
    task text not null,
    number integer not null references knowledge
) without rowid;
create index same_by_task on same (task);
create virtual table knowledge_text using fts5 (title, text, tokenize = 'porter unicode61');
