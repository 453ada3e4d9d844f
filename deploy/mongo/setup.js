// Makes the replica set of one, its root user and the two roles of the read service. Safe to repeat.
// It runs on the server's own loopback address, where the first user may be made without being one.
const admin = db.getSiblingDB("admin");
const documents = db.getSiblingDB("registrar");
const seconds = 60;

function signedIn() {
  try {
    admin.auth("root", process.env.MONGO_ROOT_PASSWORD);
    return true;
  } catch (failure) {
    if (failure.codeName !== "AuthenticationFailed") throw failure;
    return false;
  }
}

function initiate() {
  try {
    rs.initiate({ _id: "registrar", members: [{ _id: 0, host: "mongo:27017" }] });
  } catch (failure) {
    if (failure.codeName !== "AlreadyInitialized") throw failure;
  }
}

function waitForPrimary() {
  const end = Date.now() + seconds * 1000;
  while (!db.hello().isWritablePrimary) {
    if (Date.now() > end) throw new Error(`no primary within ${seconds} s`);
    sleep(200);
  }
}

function role(name, privileges) {
  const known = documents.getRole(name) !== null;
  if (known) documents.updateRole(name, { privileges, roles: [] });
  else documents.createRole({ role: name, privileges, roles: [] });
}

function user(name, pwd, roles) {
  const known = documents.getUser(name) !== null;
  if (known) documents.updateUser(name, { pwd, roles });
  else documents.createUser({ user: name, pwd, roles });
}

if (!signedIn()) {
  initiate();
  waitForPrimary();
  admin.createUser({ user: "root", pwd: process.env.MONGO_ROOT_PASSWORD, roles: ["root"] });
  if (!signedIn()) throw new Error("root was made with another password than the one given");
}
waitForPrimary();
// Only find: no insert, no change stream, not even the names of the collections.
role("views", [{ resource: { db: "registrar", collection: "" }, actions: ["find"] }]);
user("projector", process.env.MONGO_PROJECTOR_PASSWORD, [{ role: "readWrite", db: "registrar" }]);
user("views", process.env.MONGO_VIEWS_PASSWORD, [{ role: "views", db: "registrar" }]);
print("the replica set stands; its users are projector and views");
