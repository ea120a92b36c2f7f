/** Who is logged in, and what they may do. */

interface Described {
  readonly log_in: boolean;
  readonly name?: string;
  readonly role?: string;
  readonly agent_id?: string;
  readonly permissions?: readonly string[] | undefined;
}

class Session {
  /** Somebody has to log in before anything is shown. */
  needed: boolean = $state(false);
  /** It is known whether somebody has to. */
  known: boolean = $state(false);
  name: string = $state('');
  role: string = $state('');
  agentId: string = $state('');
  #permissions: ReadonlySet<string> | null = $state.raw(null);

  /** Whether to offer something; while nobody could be asked, it is the service that refuses. */
  may(permission: string): boolean {
    return this.#permissions === null || this.#permissions.has(permission);
  }

  async read(): Promise<void> {
    try {
      const response = await fetch('/v1/session');
      const found = (await response.json()) as Described;
      this.name = found.name ?? '';
      this.role = found.role ?? '';
      this.agentId = found.agent_id ?? '';
      this.#permissions = new Set(found.permissions);
      this.needed = found.log_in;
    } catch {
      // Whatever is asked for next will say that the service is not there.
    }
    this.known = true;
  }

  /** Log in; the status that the service answers with, 0 for none. */
  async logIn(name: string, password: string): Promise<number> {
    try {
      const response = await fetch('/v1/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name, password }),
      });
      if (response.ok) await this.read();
      return response.status;
    } catch {
      return 0;
    }
  }

  async logOut(): Promise<void> {
    await fetch('/v1/session', { method: 'DELETE' });
    // What is on screen was for somebody else's eyes.
    location.reload();
  }
}

export const session = new Session();
