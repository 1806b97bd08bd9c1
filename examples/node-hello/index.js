// Says hello to whoever WHO names, or to whoever the image was built for.
const express = require("express");

const port = 8080;
const who = process.env.WHO || process.env.DEFAULT_WHO || "nobody";

const app = express();
app.get("/", (_request, response) => response.send(`Hello ${who}\n`));

const server = app.listen(port, () => console.log(`listening on port ${port}, greeting ${who}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
