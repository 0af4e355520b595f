/** The other end of the floor's socket, a process of its own: answers each request of as many bytes as it was told. */
const requestBytes = Number(process.argv[2]);
const answer = Buffer.alloc(40);
const listener = Bun.listen<{ pending: number }>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => {
      socket.data = { pending: 0 };
    },
    data: (socket, chunk) => {
      socket.data.pending += chunk.length;
      if (socket.data.pending < requestBytes) return;
      socket.data.pending -= requestBytes;
      socket.write(answer);
    },
  },
});
console.log(listener.port);
