export function memoryClient(_q: URLSearchParams): never { throw new Error('x') }
