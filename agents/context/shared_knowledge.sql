create table knowledge (
    number integer primary key,
    id text not null unique,
    record text not null,
    superseded_by text
);
create table same (
    id text primary key,
    number integer not null references knowledge
) without rowid;
create virtual table knowledge_text using fts5 (title, text, tokenize = 'porter unicode61');
