-- A database of version 1, as it was first released. It must open for ever: never change this file.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE log (
  position INTEGER PRIMARY KEY,
  kind INTEGER,
  user INTEGER,
  at_us INTEGER,
  action INTEGER,
  body TEXT
);
CREATE TABLE users (number INTEGER PRIMARY KEY, user_id TEXT UNIQUE NOT NULL);
CREATE TABLE names (
  kind TEXT NOT NULL,
  code INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (kind, code)
) WITHOUT ROWID;
CREATE TABLE keys (
  digest BLOB PRIMARY KEY,
  body BLOB NOT NULL,
  position INTEGER NOT NULL,
  at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE preferences (
  user INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  PRIMARY KEY (user, key)
) WITHOUT ROWID;
CREATE TABLE waiting (position INTEGER PRIMARY KEY, user INTEGER NOT NULL, due_s INTEGER NOT NULL);
CREATE TABLE states (user INTEGER PRIMARY KEY, position INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE base (cut INTEGER NOT NULL, user INTEGER NOT NULL, position INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY,
  token TEXT NOT NULL,
  opened_at_us INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL
);
INSERT INTO log VALUES (1, 7, -1, 1780000000000000, NULL, '{"parameters":"AAAA","policy_version":"1.1.abcd","tzdata":"2025b","settings":{},"why":"settings"}');
INSERT INTO log VALUES (2, 5, 0, 1780000000000000, NULL, '{"consent":{"push":true,"email":false},"categories":{"promotion":true},"quiet_hours":{"start":"22:00","end":"08:00"},"max_per_day":2,"time_zone":null}');
INSERT INTO log VALUES (3, 1, 0, 1780000000250000, NULL, '{"type":"search","event_id":"e1","query":"红 shoes"}');
INSERT INTO log VALUES (4, 1, 1, -1500000, NULL, '{"type":"purchase","item_id":"shoe","category":"shoes","value":59.9}');
INSERT INTO log VALUES (5, 6, 0, 1780000000000000, NULL, '{"per_week":3.5,"interest":0.7,"theta":0.5}');
INSERT INTO log VALUES (6, 2, 0, 1780000060000000, 2, '{"candidates":[{"candidate_id":"c1","category":"promotion","channel":"push","campaign_id":"spring","value":12.5},{"candidate_id":"c2","category":"news","channel":"email","item_id":"shoe"}],"key":"k1","decision":{"chosen":0,"reason":64,"send_at_s":1780000060,"at_s":1780000060,"propensity":0.97,"plan_per_week":3.5,"reservation":0.25,"credit":1.5,"fatigue":0.5,"habituation":0.125,"explored":0},"verdicts":[{"reason":64,"refused":0,"until_s":1780000000,"index":0.5,"propensity":0.97,"open":0.25},{"reason":2,"refused":132,"until_s":4611686018427387904,"index":null,"propensity":0.0,"open":null}],"parameters":1}');
INSERT INTO log VALUES (7, 2, 1, 1780000061000000, 1, '{"candidates":[{"candidate_id":"c2","category":"news","channel":"email","item_id":"shoe"}],"decision":{"chosen":0,"reason":7,"send_at_s":1780003600,"at_s":1780000061,"propensity":1.0,"plan_per_week":3.5,"reservation":0.25,"credit":1.5,"fatigue":0.5,"habituation":0.125,"explored":0},"verdicts":[{"reason":7,"refused":128,"until_s":1780003600,"index":null,"propensity":0.0,"open":0.25}],"parameters":1}');
INSERT INTO log VALUES (8, 2, 1, 1780000062000000, 0, '{"candidates":[{"candidate_id":"c1","category":"promotion","channel":"push","campaign_id":"spring","value":12.5}],"decision":{"chosen":-1,"reason":1,"send_at_s":0,"at_s":1780000062,"propensity":1.0,"plan_per_week":3.5,"reservation":0.25,"credit":1.5,"fatigue":0.5,"habituation":0.125,"explored":1},"verdicts":[{"reason":1,"refused":2,"until_s":4611686018427387904,"index":null,"propensity":0.0,"open":0.25}],"parameters":1}');
INSERT INTO log VALUES (9, 3, 1, 1780003600000000, 2, '{"candidates":[{"candidate_id":"c2","category":"news","channel":"email","item_id":"shoe"}],"origins":[7],"decision":{"chosen":0,"reason":65,"send_at_s":1780003600,"at_s":1780003600,"propensity":1.0,"plan_per_week":3.5,"reservation":0.25,"credit":1.5,"fatigue":0.5,"habituation":0.125,"explored":0},"verdicts":[{"reason":65,"refused":0,"until_s":1780000000,"index":0.5,"propensity":1.0,"open":0.25}],"parameters":1}');
INSERT INTO log VALUES (10, 4, 0, 1780000100000007, NULL, '{"decision":6,"type":"opened"}');
INSERT INTO log VALUES (11, 4, 0, 1780000200000000, NULL, '{"decision":6,"type":"rated","rating":4.0}');
INSERT INTO log VALUES (12, 2, 1, 1780007200000000, 1, '{"candidates":[{"candidate_id":"c2","category":"news","channel":"email","item_id":"shoe"}],"decision":{"chosen":0,"reason":12,"send_at_s":1780009000,"at_s":1780007200,"propensity":1.0,"plan_per_week":3.5,"reservation":0.25,"credit":1.5,"fatigue":0.5,"habituation":0.125,"explored":0},"verdicts":[{"reason":12,"refused":4096,"until_s":1780009000,"index":null,"propensity":0.0,"open":0.25}],"parameters":1}');
INSERT INTO meta VALUES ('epoch', '1'), ('writer', '01c26ff528fd6296'), ('log_name', '3fa2c1'), ('replay_from', '9'), ('policy:1', '1.1.abcd');
INSERT INTO epochs VALUES (1, '01c26ff528fd6296', 1780000000000000, 4242, 'shop-1');
INSERT INTO users VALUES (0, 'ann'), (1, 'bo');
INSERT INTO names VALUES ('channel', 0, 'push'), ('channel', 1, 'email'), ('category', 0, 'promotion'), ('category', 1, 'news');
INSERT INTO keys VALUES (x'00000000000000000000000000000001', x'00000000000000000000000000000065', 6, 1780000060000000);
INSERT INTO preferences VALUES (0, 'consent.push', 'true', 1780000000000000), (0, 'max_per_day', '2', 1780000000000000);
INSERT INTO waiting VALUES (12, 1, 1780009000);
INSERT INTO states VALUES (0, 6, x'00ff00ff'), (1, 9, x'01010101');
