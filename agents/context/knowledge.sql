create table if not exists knowledge (
    number integer primary key,
    id text not null unique,
    record text not null
);
create virtual table if not exists knowledge_text using fts5 (title, text, tokenize = 'porter unicode61');
create table if not exists superseded (id text primary key) without rowid;
