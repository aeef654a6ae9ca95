import { useMemo, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import type { WorkflowDetail } from '../../explorer-api.ts';
import { DiffView } from './diff-view.tsx';
import { type Catalogue, type DraftGraph, readDocument } from './draft-graph.ts';

/** Somebody else saved first: shows what differs, and asks which of the two stays. */
export function ConflictDialog({
  theirs,
  mine,
  catalogue,
  onClose,
  onForce,
  onTakeTheirs,
  onKeepBoth,
}: {
  readonly theirs: WorkflowDetail;
  readonly mine: DraftGraph;
  readonly catalogue: Catalogue;
  readonly onClose: () => void;
  readonly onForce: () => void;
  readonly onTakeTheirs: () => void;
  readonly onKeepBoth: () => Promise<void>;
}) {
  const [isBusy, setIsBusy] = useState(false);
  const saved = useMemo(() => readDocument(theirs.document), [theirs]);
  return (
    <Dialog
      open
      onClose={onClose}
      size="wide"
      title="Somebody saved this workflow meanwhile"
      description="What was saved differs from your draft: − is only in theirs, + only in yours. Theirs stays under Versions whatever you choose."
      footer={
        <>
          <Button onClick={onTakeTheirs}>Take theirs, drop my draft</Button>
          <Button
            busy={isBusy}
            onClick={() => {
              setIsBusy(true);
              void onKeepBoth().finally(() => setIsBusy(false));
            }}
          >
            Keep mine as a version, take theirs
          </Button>
          <Button look="primary" onClick={onForce}>
            Save mine over theirs
          </Button>
        </>
      }
    >
      <DiffView before={saved} after={mine} catalogue={catalogue} withCanvas={false} />
    </Dialog>
  );
}
