"""The Python side of contracts: what a tree's code defines and calls, read and never run, held against signatures.

From below: `sources` (files), `scopes` (what the names of one scope stand for), `namespaces` (what names mean across
modules and classes), `callables` and `signatures` (how something is called), and on both sides of a contract
`interfaces` (what is defined) and `usage` with `calls` (what is called). `code` is all of it for one tree.
"""
