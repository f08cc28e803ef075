// The same service as one would write it with fastify and better-sqlite3: durable (WAL,
// synchronous=FULL), one commit a request, requests checked against a schema.
//
// node server.js PORT FILE
import { randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'
import Fastify from 'fastify'

const [port, file] = process.argv.slice(2)
const db = new Database(file)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec(`
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    project_path TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    status TEXT NOT NULL,
    context TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS idx_sessions_created_at ON sessions (created_at DESC);
  CREATE INDEX IF NOT EXISTS idx_sessions_thread_id ON sessions (thread_id);
`)

const insert = db.prepare(`INSERT INTO sessions
  (id, project_path, thread_id, status, context, version, created_at, updated_at)
  VALUES (@id, @project_path, @thread_id, @status, @context, @version, @created_at, @updated_at)`)
const select = db.prepare('SELECT * FROM sessions WHERE id = ?')
const update = db.prepare(`UPDATE sessions
  SET status = @status, context = @context, version = @version, updated_at = @updated_at WHERE id = @id`)
const newest = db.prepare(`SELECT id, project_path, thread_id, status, length(context) AS context_bytes,
  version, created_at, updated_at FROM sessions ORDER BY created_at DESC LIMIT ?`)
const newestWhole = db.prepare('SELECT * FROM sessions ORDER BY created_at DESC LIMIT ?')

const text = { type: 'string' }
const created = {
  type: 'object',
  required: ['project_path', 'thread_id'],
  additionalProperties: false,
  properties: {
    project_path: { type: 'string', minLength: 1, maxLength: 4096 },
    thread_id: { type: 'string', minLength: 1, maxLength: 512 },
    context: { type: 'object' }
  }
}
const changed = {
  type: 'object',
  additionalProperties: false,
  properties: {
    status: { enum: ['CREATED', 'ACTIVE', 'PAUSED', 'TERMINATED'] },
    context: { type: 'object' }
  }
}
const session = {
  type: 'object',
  properties: {
    id: text,
    project_path: text,
    thread_id: text,
    status: text,
    context: { type: 'object', additionalProperties: true },
    context_bytes: { type: 'integer' },
    version: { type: 'integer' },
    created_at: text,
    updated_at: text
  }
}
const page = { type: 'object', properties: { sessions: { type: 'array', items: session } } }
const query = {
  type: 'object',
  properties: { limit: { type: 'integer', minimum: 1, maximum: 1000, default: 50 }, include: { const: 'context' } }
}

const shown = (row) => ({ ...row, context: JSON.parse(row.context) })
const app = Fastify({ bodyLimit: 16 << 20 })

app.post('/sessions', { schema: { body: created, response: { 201: session } } }, (request, reply) => {
  const { project_path, thread_id, context = {} } = request.body
  const now = new Date().toISOString()
  const row = { id: randomUUID(), project_path, thread_id, status: 'CREATED', version: 1, created_at: now, updated_at: now }
  insert.run({ ...row, context: JSON.stringify(context) })
  reply.code(201).header('location', `/sessions/${row.id}`).header('etag', '"1"').send({ ...row, context })
})

app.get('/sessions/:id', { schema: { response: { 200: session } } }, (request, reply) => {
  const row = select.get(request.params.id)
  if (!row) return reply.code(404).send()
  reply.header('etag', `"${row.version}"`).send(shown(row))
})

app.get('/sessions', { schema: { querystring: query, response: { 200: page } } }, (request, reply) => {
  const { limit, include } = request.query
  reply.send({ sessions: include ? newestWhole.all(limit).map(shown) : newest.all(limit) })
})

app.patch('/sessions/:id', { schema: { body: changed, response: { 200: session } } }, (request, reply) => {
  const row = select.get(request.params.id)
  if (!row) return reply.code(404).send()
  const { status = row.status, context } = request.body
  const after = { ...row, status, version: row.version + 1, updated_at: new Date().toISOString() }
  if (context) after.context = JSON.stringify(context)
  update.run(after)
  reply.header('etag', `"${after.version}"`).send({ ...after, context: context ?? JSON.parse(row.context) })
})

await app.listen({ port: Number(port), host: '127.0.0.1' })
