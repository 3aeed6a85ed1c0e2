-- One exchange of a replica with Redis: push a batch, pull what changed. Atomic.
--
--   KEYS[1]  the head, a hash {generation, sequence}: the only key that never expires
--   ARGV     1 new generation   2 expected generation   3 since (sequence number)
--            4 page (keys)      5 batch id, or ''       6 the batch in MessagePack
--
-- Returns {generation} when it is not the expected one, and then has applied nothing;
-- else {generation, upto, more (0 or 1), pulled in MessagePack}.
--
-- All other keys are named by the generation, so that a head that was lost can never meet sums
-- that were not. They share the head's hash tag, that is its slot in a cluster:
--
--   <tag>:<generation>:s:<key>    hash: field -> sum
--   <tag>:<generation>:b:<id>     a batch that was applied
--   <tag>:<generation>:latest     zset: name -> greatest timestamp
--   <tag>:<generation>:changed    zset: 's' .. key or 'l' .. name -> number of its last change
--   <tag>:<generation>:expiries   zset: the same members -> unix second of their end
--
-- Every change has a number of its own (not one per batch), so that a pull can stop anywhere.

local BATCH_S = 3600          -- how long an applied batch is remembered
local LONGEST_S = 30 * 86400  -- no key lives longer without a push
local SWEEP = 100             -- expired members forgotten per call

local head = KEYS[1]
local page = tonumber(ARGV[4])

local generation = redis.call('HGET', head, 'generation')
if not generation then
  generation = ARGV[1]
  redis.call('HSET', head, 'generation', generation, 'sequence', 0)
end
if generation ~= ARGV[2] then
  return {generation}
end

local home = string.gsub(head, 'head$', generation) .. ':'
local changed, expiries, latest = home .. 'changed', home .. 'expiries', home .. 'latest'
local now = tonumber(redis.call('TIME')[1])

local function note(member, number, ttl_s)
  redis.call('ZADD', changed, number, member)
  redis.call('ZADD', expiries, now + ttl_s, member)
end

local function push(sums, stamps)
  local count = #sums + #stamps
  local number = redis.call('HINCRBY', head, 'sequence', count) - count
  for _, sum in ipairs(sums) do
    local key, ttl_s, amounts = home .. 's:' .. sum[1], math.min(sum[2], LONGEST_S), sum[3]
    for i = 1, #amounts, 2 do
      redis.call('HINCRBYFLOAT', key, amounts[i], amounts[i + 1])
    end
    redis.call('EXPIRE', key, ttl_s)
    number = number + 1
    note('s' .. sum[1], number, ttl_s)
  end
  for _, stamp in ipairs(stamps) do
    number = number + 1
    if redis.call('ZADD', latest, 'GT', 'CH', stamp[2], stamp[1]) == 1 then
      note('l' .. stamp[1], number, stamp[3])
    end
  end
  for _, name in ipairs({changed, expiries, latest}) do
    redis.call('EXPIRE', name, LONGEST_S)
  end
end

local function sweep()
  local gone = redis.call('ZRANGEBYSCORE', expiries, '-inf', '(' .. now, 'LIMIT', 0, SWEEP)
  for _, member in ipairs(gone) do
    redis.call('ZREM', expiries, member)
    redis.call('ZREM', changed, member)
    if string.sub(member, 1, 1) == 'l' then
      redis.call('ZREM', latest, string.sub(member, 2))
    end
  end
end

local function pull(since)
  local sums, stamps = {}, {}
  local from = string.format('(%.0f', since)
  local found = redis.call('ZRANGEBYSCORE', changed, from, '+inf', 'WITHSCORES', 'LIMIT', 0, page)
  for i = 1, #found, 2 do
    local name = string.sub(found[i], 2)
    if string.sub(found[i], 1, 1) == 's' then
      local total = redis.call('HGETALL', home .. 's:' .. name)
      for j = 1, #total do
        total[j] = tonumber(total[j])
      end
      if #total > 0 then
        sums[#sums + 1] = {name, total}
      end
    else
      stamps[#stamps + 1] = {name, tonumber(redis.call('ZSCORE', latest, name))}
    end
  end
  local full = #found == 2 * page
  return sums, stamps, full and tonumber(found[#found])
end

if ARGV[5] ~= '' and redis.call('SET', home .. 'b:' .. ARGV[5], 1, 'NX', 'EX', BATCH_S) then
  push(unpack(cmsgpack.unpack(ARGV[6])))
end
sweep()

local sequence = tonumber(redis.call('HGET', head, 'sequence'))
local since = tonumber(ARGV[3])
if since > sequence then  -- Redis came back with older data of the same generation
  since = 0
end
local sums, stamps, stopped = pull(since)
return {generation, stopped or sequence, stopped and 1 or 0, cmsgpack.pack({sums, stamps})}
