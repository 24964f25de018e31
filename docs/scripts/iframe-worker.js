// A browser that reads pages from a folder refuses to start workers. The search of the site then runs in a hidden frame, which has
// what the search asks of a worker: messages in both directions, and an end.
if (location.protocol === "file:") {
  window.Worker = class {
    #frame = document.createElement("iframe");
    #waiting = [];

    constructor(address) {
      this.#frame.hidden = true;
      document.body.append(this.#frame);
      const inner = this.#frame.contentWindow;
      inner.postMessage = (data) => setTimeout(() => this.onmessage?.({ data }));
      const script = inner.document.createElement("script");
      script.src = new URL(address, location.href).href;
      script.onload = () => {
        const waiting = this.#waiting;
        this.#waiting = null;
        waiting.forEach((data) => inner.onmessage({ data }));
      };
      script.onerror = () => this.onerror?.(new Event("error"));
      inner.document.body.append(script);
    }

    postMessage(data) {
      if (this.#waiting) this.#waiting.push(data);
      else this.#frame.contentWindow.onmessage({ data });
    }

    terminate() {
      this.#frame.remove();
    }
  };
}
