// A push service on a free port of this machine, which is printed: it checks VAPID, decrypts, and keeps what it got.
const {PushApiModel} = require('web-push-testing/src/PushApiModel');
const Server = require('web-push-testing/src/server');

const model = new PushApiModel();
const server = new Server(model, 0);
server.startServer();
server._server.on('listening', () => {
	const {port} = server._server.address();
	model.notifyUrl = `http://localhost:${port}/notify/`;
	console.log(JSON.stringify({port}));
});
process.stdin.on('end', () => process.exit(0)).resume(); // ends with who started it
