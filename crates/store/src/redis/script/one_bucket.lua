-- The most usual request is one token bucket. It says the same as `take.lua` would, and saves the functions and tables that the
-- others need: a fifth of the time.

if #KEYS == 1 and ARGV[1] == 'b' then
  local cost, all, drain, price = ARGV[2] + 0, ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0
  local held, since, level = call('GET', KEYS[1]), now, 0
  if held then
    since, level = unpack_('<dd', held)
    if since < now then
      level, since = level - drain * (now - since), now
      if level < 0 then level = 0 end
    end
  end
  local left = floor((all * price - level) / price)
  local ahead = since - now
  if cost > left then
    local full, retry = level - all * price, 0
    if cost <= all then retry = ceil((full + cost * price) / drain) + ahead end
    if left == all then return {0, left, 0, 0, retry} end
    return {0, left, ceil((full + (left + 1) * price) / drain) + ahead, ceil(level / drain) + ahead, retry}
  end
  if cost > 0 then
    level, left = level + cost * price, left - cost
    call('SET', KEYS[1], pack('<dd', since, level), 'PX', ceil((level / drain + ahead) / 1000) + 1)
  end
  if left == all then return {1, left, 0, 0, 0} end
  return {1, left, ceil((level - (all - left - 1) * price) / drain) + ahead, ceil(level / drain) + ahead, 0}
end

