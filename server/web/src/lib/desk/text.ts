/** The desk's texts in the language that was chosen. */

import { deskEn, type DeskMessages } from '../i18n/desk.en';
import { deskZh } from '../i18n/desk.zh';
import type { Language } from '../language';

const MESSAGES: Record<Language, DeskMessages> = { en: deskEn, zh: deskZh };

export const deskText = (language: Language): DeskMessages => MESSAGES[language];
