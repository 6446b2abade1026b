// Keeps servers that know no address to listen at to this machine. With the public `listen` an
// address would have to be looked up first, and callers expect to be bound when it returns.
const net = require('net');
const bind = net.Server.prototype._listen2;
net.Server.prototype._listen2 = function (address, port, kind, ...rest) {
  if (address) return bind.call(this, address, port, kind, ...rest);
  return bind.call(this, '127.0.0.1', port, 4, ...rest);
};
