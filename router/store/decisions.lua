-- Keep finished requests for a while: one round trip for all of them.
--
--   KEYS[1]  what their names begin with (it holds the hash tag, so a cluster takes them all)
--   ARGV     1 seconds to keep them   2 {name, value, name, value, ...} in MessagePack

local told = cmsgpack.unpack(ARGV[2])
for i = 1, #told, 2 do
  redis.call('SET', KEYS[1] .. told[i], told[i + 1], 'EX', ARGV[1])
end
return 1
