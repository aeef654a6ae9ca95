import styles from './skeleton.module.css';

/** Stands where something will be, as large as that will be. */
export function Skeleton({
  width = '100%',
  height = 12,
}: {
  readonly width?: number | string;
  readonly height?: number | string;
}) {
  return <span className={styles['skeleton']} style={{ width, height }} aria-hidden="true" />;
}

/** Lines of text that are on their way, said once to screen readers. */
export function SkeletonLines({ lines = 3, label = 'Loading' }: { readonly lines?: number; readonly label?: string }) {
  return (
    <div className={styles['lines']} role="status">
      <span className="unseen">{label}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines without identity
        <Skeleton key={line} width={`${[92, 74, 84, 60][line % 4]}%`} />
      ))}
    </div>
  );
}
