import type { ToldDelivery } from '../../operations/deliveries.ts';
import type { DeliveryRow } from './wire.ts';

export function presentDelivery({ delivery, attempts }: ToldDelivery): DeliveryRow {
  return {
    id: delivery.id,
    url: delivery.url,
    status: delivery.status,
    isAutomatic: delivery.isAutomatic,
    attemptCount: delivery.attemptCount,
    maxAttempts: delivery.maxAttempts,
    nextAttemptAt: delivery.nextAttemptAt,
    createdAt: delivery.createdAt,
    finishedAt: delivery.finishedAt,
    body: delivery.body,
    attempts: attempts.map(({ attempt, at, durationMs, httpStatus, error, response }) => {
      return { attempt, at, durationMs, httpStatus, error, response };
    }),
  };
}
